-- On: plain.
drop policy tenant on projects;
