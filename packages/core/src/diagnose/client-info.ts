/** The name and version in `clientInfo` of a diagnosis. The version is the version of this package. */
export const CLIENT_INFO = { name: 'credence', version: '0.1.0' } as const;
