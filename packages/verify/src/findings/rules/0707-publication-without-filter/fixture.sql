-- On: plain.
create publication warehouse for table projects;
