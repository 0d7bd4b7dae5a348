import { describe, expect, it } from 'vitest'
import { requireOwnInstance } from './instance-url.ts'

const outcome = (instanceUrl: string, askedAt = 'https://login.salesforce.com'): string => {
  try {
    return requireOwnInstance(instanceUrl, askedAt, ['salesforce.com']) === instanceUrl ? 'taken' : 'changed'
  } catch (error) {
    return (error as { code: string }).code
  }
}

describe('an address that a token answer names', () => {
  it.each([
    ['https://acme.my.salesforce.com', 'https://login.salesforce.com'],
    ['https://acme--test.sandbox.my.salesforce.com', 'https://test.salesforce.com'],
    ['http://127.0.0.1:4010', 'http://127.0.0.1:4010/services'],
    // A provider of a country of its own, where an operator said it is.
    ['https://acme.my.sfcrmproducts.example', 'https://login.sfcrmproducts.example'],
  ])('%s is the account’s, asked at %s', (instanceUrl, askedAt) => expect(outcome(instanceUrl, askedAt)).toBe('taken'))

  it.each([
    ['http://169.254.169.254/latest/meta-data'],
    ['http://acme.my.salesforce.com'],
    ['https://acme.my.salesforce.com:8443'],
    ['https://user:password@acme.my.salesforce.com'],
    ['https://salesforce.com.evil.example'],
    ['https://evil.example/.salesforce.com'],
    ['https://127.0.0.1', 'https://10.0.0.1'],
    ['https://evil.com', 'https://login.com'],
    ['http://127.0.0.1:5432', 'http://127.0.0.1:4010'],
    ['file:///etc/passwd'],
    ['nothing'],
  ])('%s is not', (instanceUrl, askedAt = 'https://login.salesforce.com') =>
    expect(outcome(instanceUrl, askedAt)).toBe('connector_failed'),
  )
})
