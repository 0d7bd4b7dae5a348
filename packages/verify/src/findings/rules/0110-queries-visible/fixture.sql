-- On: rowhouse.
alter role rowhouse_app reset track_activities;
