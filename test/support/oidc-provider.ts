/**
 * The `Provider` of oidc-provider without its warnings for production. When it is loaded on Node 20, oidc-provider recommends a
 * newer Node, and each new instance warns about development settings. Tests import `Provider` from here. All other warnings of
 * oidc-provider are printed and fail the test.
 */
const ADVICE = [
  'Unsupported runtime. Use Node.js v22.x LTS',
  'a quick start development-only in-memory adapter is used',
  'quick start development-only signing keys are used',
  'a quick start development-only feature devInteractions is enabled',
].map((text) => `oidc-provider WARNING: ${text}`);

/** Replaces `console.warn` by a function that drops these warnings. Returns a function that restores it. */
function silenceAdvice(): () => void {
  const warn = console.warn;
  console.warn = (...data: unknown[]) => {
    if (!ADVICE.some((text) => String(data[0]).includes(text))) warn.apply(console, data);
  };
  return () => {
    console.warn = warn;
  };
}

const restoreWarn = silenceAdvice();
const { Provider: OidcProvider } = await import('oidc-provider').finally(restoreWarn);

export class Provider extends OidcProvider {
  constructor(...parameters: ConstructorParameters<typeof OidcProvider>) {
    const restore = silenceAdvice();
    try {
      super(...parameters);
    } finally {
      restore();
    }
  }
}
