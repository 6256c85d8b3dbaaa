"""Which tasks, runs, attempts and steps are there?"""
