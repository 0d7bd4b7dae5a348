-- On: plain.
alter function current_organization() volatile;
