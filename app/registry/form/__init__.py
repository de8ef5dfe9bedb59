"""The one form of browser and JSON alike: its fields, its rules, and how a JSON body fills it."""
