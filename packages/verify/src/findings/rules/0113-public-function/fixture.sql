-- On: rowhouse.
grant execute on function rowhouse.log_change() to public;
