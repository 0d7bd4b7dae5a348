-- On: rowhouse.
alter role rowhouse_migrator nobypassrls;
