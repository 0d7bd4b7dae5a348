-- On: rowhouse.
alter policy rowhouse_organization on notes using (true);
