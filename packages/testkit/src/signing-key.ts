/** The logins belong to the cluster and follow from the master key, so all tests of a run share one. */
export const testSigningKey = 'the-signing-key-of-the-tests-of-rowhouse'
