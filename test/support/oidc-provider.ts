/**
 * The `Provider` of oidc-provider, without the advice that it prints for production: on being loaded it advises a later
 * Node than 20, and each new instance warns of a configuration that is good enough for a test. Tests import `Provider`
 * from here; everything else that oidc-provider prints goes through, and fails the test in which it is printed.
 */
const ADVICE = [
  'Unsupported runtime. Use Node.js v22.x LTS',
  'a quick start development-only in-memory adapter is used',
  'quick start development-only signing keys are used',
  'a quick start development-only feature devInteractions is enabled',
].map((text) => `oidc-provider WARNING: ${text}`);

/** Replaces `console.warn` by one that leaves out the advice, and returns what puts the former one back. */
function withoutAdvice(): () => void {
  const warn = console.warn;
  console.warn = (...data: unknown[]) => {
    if (!ADVICE.some((text) => String(data[0]).includes(text))) warn.apply(console, data);
  };
  return () => {
    console.warn = warn;
  };
}

const afterLoading = withoutAdvice();
const { Provider: OidcProvider } = await import('oidc-provider').finally(afterLoading);

export class Provider extends OidcProvider {
  constructor(...parameters: ConstructorParameters<typeof OidcProvider>) {
    const afterwards = withoutAdvice();
    try {
      super(...parameters);
    } finally {
      afterwards();
    }
  }
}
