"""The probe as a command: options in, lines for people or a report for programs out."""
