/** The name and version in `clientInfo` of the requests that the principal sends on its own. The version is the version of this package. */
export const CLIENT_INFO = { name: 'credence', version: '0.1.0' } as const;
