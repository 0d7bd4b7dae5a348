-- On: plain.
create unique index projects_lower on projects (lower(name));
