import { expect, it } from 'vitest'
import { redact } from './redact.ts'

it('takes every form of a secret out of a text, and leaves the rest', () => {
  const secret = 'to/ken+1='
  const text = `a ${secret} b ${encodeURIComponent(secret)} c ${Buffer.from(secret).toString('base64')} d`
  expect(redact(text, [secret, null, undefined])).toBe('a [removed] b [removed] c [removed] d')
  expect(redact('to/ken+1=2 x', ['to/k', secret])).toBe('[removed]2 x')
  expect(redact('an ad', ['a', ''])).toBe('an ad')
})

it('takes a key of several lines out, as it is, as JSON writes it and as a form does', () => {
  const key = '-----BEGIN PRIVATE KEY-----\nMII/x+y==\n-----END PRIVATE KEY-----\n'
  const text = `${key} | ${JSON.stringify({ key })} | ${new URLSearchParams({ key }).toString()}`
  expect(redact(text, [key])).toBe('[removed] | {"key":"[removed]"} | key=[removed]')
})
