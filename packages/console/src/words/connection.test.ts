import { connectionState } from '@rowhouse/contracts'
import { expect, it } from 'vitest'
import { connectionOf } from '../../dev/fixtures.ts'
import { arrivalWords, backfillPercent, connectorWords, stateWords } from './connection.ts'

it('has words for every state of the contracts', () => {
  expect(Object.keys(stateWords).sort()).toEqual([...connectionState.options].sort())
})

it('gives a connector it has not heard of its own name', () => {
  expect(connectorWords('pipedrive')).toEqual({ mark: 'PI', name: 'Pipedrive' })
  expect(connectorWords(null).name).toBe('CRM')
})

it('adds up a backfill, and admits not knowing', () => {
  const connection = connectionOf(2, 'backfilling')
  expect(backfillPercent(connection)).toBe(47)
  expect(backfillPercent({ objects: connection.objects.map((one) => ({ ...one, expected: null })) })).toBeNull()
  expect(backfillPercent({ objects: [] })).toBeNull()
})

it('says how changes arrive', () => {
  expect(arrivalWords({ connector: 'netsuite', webhooks: false, events: null, pollIntervalMs: 30_000 })).toBe(
    'We ask NetSuite for changes every 30 seconds.',
  )
  expect(arrivalWords({ connector: 'hubspot', webhooks: true, events: null, pollIntervalMs: 60_000 })).toBe(
    'HubSpot tells us of changes by webhook; every minute we ask as well, in case one was lost.',
  )
  const events = { state: 'connected', since: null, lastEventAt: null, lagMs: null, reason: null } as const
  const salesforce = { connector: 'salesforce', webhooks: false, pollIntervalMs: 60_000 }
  expect(arrivalWords({ ...salesforce, events })).toBe(
    'Salesforce tells us of changes as they happen; every minute we ask as well, in case one was lost.',
  )
  expect(arrivalWords({ ...salesforce, events: { ...events, state: 'reconnecting' } })).toBe(
    'We ask Salesforce for changes every minute.',
  )
  expect(arrivalWords({ ...salesforce, events: { ...events, state: 'unavailable', reason: 'Select it.' } })).toBe(
    'Salesforce does not tell us of all changes, so we ask every minute. Select it.',
  )
})
