"""Has someone pulled a switch, taken a lock, or hit a limit?"""
