// Simulated HubSpot, Salesforce and NetSuite over real HTTP. For tests, the demo and benchmarks; never for production.
export { startSandbox } from './sandbox.ts'
export type { Sandbox } from './sandbox.ts'
export type { ChangeEventTrouble, CreatedAccount, Hand, HandField, TokenBased } from './control/simulated-crm.ts'
export type { AccountInput, SandboxOptions, Sleep } from './options.ts'
export type { WebhookTrouble } from './hubspot/webhooks.ts'
export type { ChaosInput } from './chaos/chaos.ts'
export type { LoggedRequest } from './http/request-log.ts'
