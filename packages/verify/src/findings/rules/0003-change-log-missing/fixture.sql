-- On: rowhouse.
drop trigger "!rowhouse_change_log_inserts" on notes;
