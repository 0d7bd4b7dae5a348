-- On: rowhouse.
drop trigger "!rowhouse_change_log" on notes;
