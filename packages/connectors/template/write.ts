// Writes one batch of one kind of operation. Owns how the answer is told apart into one result per operation.
import type { Connector } from '../src/kit/connector.ts'
import { unfilled } from './unfilled.ts'

export const write: Connector['write'] = () =>
  unfilled('write.ts, write', 'one result per operation, in order; a create only creates; what fails, fails alone')
