-- On: plain.
alter function current_organization() immutable;
