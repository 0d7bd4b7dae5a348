import { describe, expect, it } from 'vitest'
import { requireProviderUrl } from './provider-url.ts'

const outcome = (value: string, field: 'baseUrl' | 'tokenUrl' = 'baseUrl'): string => {
  try {
    requireProviderUrl(field, value, { domains: ['salesforce.com'], origins: ['http://127.0.0.1:4010'] })
    return 'taken'
  } catch (error) {
    return (error as { code: string }).code
  }
}

describe('an address a person may connect', () => {
  it.each(['https://salesforce.com', 'https://acme.my.salesforce.com/', 'http://127.0.0.1:4010/services'])(
    '%s is the provider',
    (value) => expect(outcome(value)).toBe('taken'),
  )

  it.each([
    'http://acme.my.salesforce.com',
    'https://acme.my.salesforce.com:8443',
    'https://salesforce.com.evil.example',
    'https://evilsalesforce.com',
    'https://salesforce.com@evil.example',
    'https://evil.example/salesforce.com',
    'https://evil.example#.salesforce.com',
    'http://169.254.169.254/latest/meta-data',
    'http://127.0.0.1:5432',
    'http://127.0.0.1:40101',
    'http://[::1]:4010',
    'https://user:password@acme.my.salesforce.com',
    'file:///etc/passwd',
    'https://acme.my.salesforce.com/services/apexrest/grab',
    'https://acme.my.salesforce.com/?to=',
    'https://acme.my.salesforce.com/#x',
  ])('%s is not', (value) => expect(outcome(value)).toBe('validation_failed'))

  it.each([
    ['https://acme.my.salesforce.com/services/oauth2/token', 'taken'],
    ['https://acme.my.salesforce.com/app/site/hosting/scriptlet.nl?script=5&deploy=1', 'validation_failed'],
  ])('%s, where tokens are refreshed, is %s', (value, expected) => expect(outcome(value, 'tokenUrl')).toBe(expected))
})
