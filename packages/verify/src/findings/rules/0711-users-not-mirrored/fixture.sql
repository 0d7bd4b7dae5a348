-- On: rowhouse.
create schema auth;
create table auth.users (id uuid primary key, email text, raw_user_meta_data jsonb, deleted_at timestamptz);
