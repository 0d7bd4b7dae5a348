// Ends the session and forgets everything that was read in it.
import { client, queries } from '../app/api.ts'

export async function signOut(): Promise<void> {
  await client.signOut()
  queries.clear()
  // A full load: nothing of the session stays in memory.
  location.assign('/sign-in')
}
