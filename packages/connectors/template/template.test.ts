// Template passes the suite that every connector passes.
import { testConnector } from '../src/kit/conformance.ts'
import { subject } from './test-provider.ts'

testConnector(subject)
