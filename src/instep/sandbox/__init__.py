"""Both systems on one machine: a Chargebee emulator and a sample ERP, each a process of its own.

The sandbox imports nothing else of Instep, so that a mistake made on both sides can't hide.
"""
