"""What a headline says of a company: labelled sentences, an encoder, its fine-tuning, judging and scoring.

Importing it loads neither torch nor transformers. What does not belong here: tables, assets and features made of the scores.
"""
