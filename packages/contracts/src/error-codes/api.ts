// The API.
import { code } from './code.ts'

export const apiCodes = {
  validation_failed: code(400, 2, false, 'The request is not valid.', 'See details.issues for each field.'),
  not_found: code(404, 1, false, 'There is nothing here.', 'Check the path: /openapi.json lists all of them.'),
  method_not_allowed: code(405, 1, false, 'The method is not allowed here.', 'See /openapi.json.'),
  payload_too_large: code(413, 1, false, 'The body is too large.', 'Send less at once.'),
  cross_site_request: code(
    403,
    1,
    false,
    'The request came from another site.',
    'Send it from the console, or use a bearer token.',
  ),
  slug_taken: code(409, 1, false, 'Another organization has this slug.', 'Choose another slug.'),
  server_stopping: code(503, 3, true, 'The server is stopping.', 'Try again in a moment.'),
  server_unreachable: code(
    503,
    3,
    true,
    'The server does not answer.',
    'Check that it runs (rowhouse serve) and that the address is right.',
  ),
  answer_invalid: code(
    502,
    3,
    true,
    'The answer is not one of Rowhouse.',
    'Check the address: something else, like a proxy, answered.',
  ),
  rate_limited: code(429, 1, true, 'Too many requests.', 'Wait for the time that Retry-After names.'),
  internal: code(500, 3, true, 'Something went wrong inside Rowhouse.', 'Search the log for the request id.'),
} as const
