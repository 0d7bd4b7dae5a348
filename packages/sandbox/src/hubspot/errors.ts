// HubSpot's error bodies. Owns their wording and shape; must not decide when they are due.
// Shapes: https://developers.hubspot.com/docs/api-reference/error-handling
import { Refusal } from '../http/refusal.ts'
import type { Seeded } from '../store/seeded.ts'

export interface ErrorDetail {
  readonly message: string
  readonly in?: string
  readonly code?: string
  readonly context?: Readonly<Record<string, readonly string[]>>
}

export interface HubspotError {
  readonly status: 'error'
  readonly message: string
  readonly category: string
  readonly correlationId?: string
  readonly subCategory?: string
  readonly errorType?: string
  readonly policyName?: string
  readonly context?: Readonly<Record<string, readonly string[]>>
  readonly errors?: readonly ErrorDetail[]
}

/** A refusal with HubSpot's body; the correlation id is added at the edge. */
export class HubspotRefusal extends Refusal {
  declare readonly body: HubspotError

  constructor(status: number, body: Omit<HubspotError, 'status'>, headers: Readonly<Record<string, string>> = {}) {
    super(status, { status: 'error', ...body }, headers)
  }
}

export function invalid(message: string, errors?: readonly ErrorDetail[]): HubspotRefusal {
  return new HubspotRefusal(400, { message, category: 'VALIDATION_ERROR', ...(errors ? { errors } : {}) })
}

export function notFound(message = 'resource not found'): HubspotRefusal {
  return new HubspotRefusal(404, { message, category: 'OBJECT_NOT_FOUND' })
}

/** The 409 that names the contact which already has the e-mail address, in the message only, as HubSpot does. */
export function contactExists(existingId: string): HubspotRefusal {
  return new HubspotRefusal(409, {
    message: `Contact already exists. Existing ID: ${existingId}`,
    category: 'CONFLICT',
  })
}

export interface PropertyFault {
  readonly name: string
  readonly code: string
  readonly message: string
}

/** The 400 of property validation: the faults as JSON inside the message, and again as `errors`. */
export function invalidProperties(faults: readonly PropertyFault[]): HubspotRefusal {
  const described = faults.map(({ name, code, message }) => ({
    isValid: false,
    message,
    error: code,
    name,
    localizedErrorMessage: message,
  }))
  return invalid(
    `Property values were not valid: ${JSON.stringify(described)}`,
    faults.map(({ name, code, message }) => ({ message, code, context: { propertyName: [name] } })),
  )
}

/** Numbers correlation ids: one per answer that has one. */
export function correlationIds(seeded: Seeded): () => string {
  let ordinal = 0
  return () => seeded.uuid(`correlation.${ordinal++}`)
}
