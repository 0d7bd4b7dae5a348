// Simulated HubSpot and Salesforce over real HTTP. For tests, the demo and benchmarks; never for production.
export { startSandbox } from './sandbox.ts'
export type { CreatedAccount, Sandbox } from './sandbox.ts'
export type { AccountInput, SandboxOptions, Sleep } from './options.ts'
export type { ChaosInput } from './chaos/chaos.ts'
export type { LoggedRequest } from './http/request-log.ts'
