// What a gateway in front of the database, such as PostgREST, asks for: its headers, hooks, buckets and channels.
import { code } from './code.ts'

export const gatewayCodes = {
  gateway_call_refused: code(
    403,
    1,
    false,
    'rowhouse.pre_request() was called by something other than PostgREST before a request.',
    'Name it in db-pre-request; everybody else enters with a token.',
  ),
  organization_header_invalid: code(
    400,
    2,
    false,
    'The header x-organization-id is not a uuid.',
    'Send the id of an organization, or nothing for none.',
  ),
  token_hook_event_invalid: code(
    400,
    2,
    false,
    'The event is not one of a custom access token hook.',
    'Let Supabase Auth call rowhouse.custom_access_token_hook.',
  ),
  bucket_not_protectable: code(
    409,
    2,
    false,
    'The bucket cannot be protected.',
    'Make it first, and private: a public bucket is served without any policy.',
  ),
  channel_pattern_invalid: code(
    400,
    2,
    false,
    'The topic pattern cannot be protected.',
    'Write a name of your own, then {organization_id}, and * at the end for any rest: room:{organization_id}:*',
  ),
  setting_name_invalid: code(
    400,
    2,
    false,
    'A name cannot be a setting that holds the organization.',
    'Name one of the application, such as app.current_tenant_id.',
  ),
} as const
