"""What is kept: tables, migrations, keys at rest."""
