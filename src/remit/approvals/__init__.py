"""Did a person say yes, to exactly this?"""
