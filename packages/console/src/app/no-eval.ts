// The content security policy allows no eval; zod would try it once, and the browser would report the
// attempt. Imported before anything that makes a schema.
import { config } from 'zod'

config({ jitless: true })
