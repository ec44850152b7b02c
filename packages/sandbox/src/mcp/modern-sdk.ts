/** The exports of the server package of MCP SDK v2. */
export type ModernSdk = typeof import('@modelcontextprotocol/server');

/** Loads SDK v2, which is installed only if the user has a server that uses it. */
export async function loadModernSdk(): Promise<ModernSdk | undefined> {
  try {
    return await import('@modelcontextprotocol/server');
  } catch (error) {
    if (error instanceof Error && 'code' in error && /MODULE_NOT_FOUND/u.test(String(error.code))) return undefined;
    throw error;
  }
}
