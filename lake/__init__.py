"""Adapters: settings, clients, Delta, Spark, SQL, releases, online store. No finance and no orchestration belongs here."""
