//! The `unstuck` command: arguments, one file a subcommand, exit codes.
