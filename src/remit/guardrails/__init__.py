"""Is the content sound and the claim true?"""
