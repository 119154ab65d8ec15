"""The bare limits: the fastest straight-line scripts for the same jobs, honest in what they leave in the tables.

They know this one extract and this one profile, check nothing, and tell nobody what they did.
"""
