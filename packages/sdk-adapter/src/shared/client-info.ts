/** How a client that `connectMcp` makes introduces itself; the version is this package's. */
export const CLIENT_INFO = { name: 'credence', version: '0.1.0' };
