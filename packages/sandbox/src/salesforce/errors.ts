// Salesforce's errors: arrays of code and message. Owns their wording; must not decide when they are due.
// https://developer.salesforce.com/docs/atlas.en-us.api_rest.meta/api_rest/errorcodes.htm
import { Refusal } from '../http/refusal.ts'

export interface SalesforceError {
  readonly message: string
  readonly errorCode: string
  readonly fields?: readonly string[]
}

export class SalesforceRefusal extends Refusal {
  readonly error: SalesforceError

  constructor(status: number, errorCode: string, message: string, fields?: readonly string[]) {
    const error = { message, errorCode, ...(fields ? { fields } : {}) }
    super(status, [error])
    this.error = error
  }
}

/** The error entry of collections, which spells the code differently. */
export function collectionError({ message, errorCode, fields }: SalesforceError): Record<string, unknown> {
  return { statusCode: errorCode, message, fields: fields ?? [] }
}

export const notFound = (message = 'The requested resource does not exist'): SalesforceRefusal =>
  new SalesforceRefusal(404, 'NOT_FOUND', message)

export const invalidField = (field: string, object: string): SalesforceRefusal =>
  new SalesforceRefusal(400, 'INVALID_FIELD', `No such column '${field}' on sobject of type ${object}`)

export const malformedQuery = (message: string): SalesforceRefusal =>
  new SalesforceRefusal(400, 'MALFORMED_QUERY', message)
