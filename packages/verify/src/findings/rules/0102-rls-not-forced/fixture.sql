-- On: plain.
alter table projects owner to shop_app; alter table projects no force row level security;
