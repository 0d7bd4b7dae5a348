// Members, invitations, roles and permissions.
import { code } from './code.ts'

export const membershipsCodes = {
  invitation_invalid: code(
    404,
    1,
    false,
    'The invitation is not valid.',
    'Ask for a new one: it is unknown, has expired, or was revoked.',
  ),
  invitation_accepted: code(409, 1, false, 'The invitation has been accepted already.', 'Sign in to the organization.'),
  already_a_member: code(
    409,
    1,
    false,
    'The person is a member of the organization already.',
    'Change the role of the member instead.',
  ),
  invitation_email_differs: code(
    403,
    1,
    false,
    'The invitation is for another e-mail address.',
    'Sign in with the address that was invited, and verify it.',
  ),
  role_above_own: code(
    403,
    1,
    false,
    'The role may do what the inviter may not.',
    'Invite to a role whose permissions you have, or ask an owner.',
  ),
  invitation_limit: code(
    429,
    1,
    true,
    'Too many invitations were sent.',
    'Wait a day, or revoke the ones that are not needed.',
  ),
  role_unknown: code(
    400,
    1,
    false,
    'The organization has no such role.',
    'Built in are owner, admin, member and viewer.',
  ),
  role_in_use: code(409, 1, false, 'The role cannot be changed.', 'See the message for what depends on it.'),
  member_unknown: code(
    400,
    1,
    false,
    'The organization has no such member.',
    'Name the user id of a member of the organization.',
  ),
  last_owner: code(
    409,
    1,
    false,
    'The organization would have nobody left who may do everything.',
    'Make somebody else an owner first.',
  ),
  role_invalid: code(
    400,
    2,
    false,
    'The role or the grant is not valid.',
    'See the message; permissions are words such as data.read.',
  ),
  grant_not_found: code(404, 1, false, 'There is no such grant.', 'List them: rowhouse connection grants'),
} as const
