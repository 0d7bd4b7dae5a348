-- Whether organizations of a plan are owed a key of their own for what rests: disks, backups, snapshots that only their key
-- opens. Rows that share tables with others cannot have one; a database, and a server, can. What comes of it is advice
-- (/v1/organizations/:id/advice); the key is the server's to hold.
alter table rowhouse.plans add column own_key boolean not null default false;
