/** The oidc-provider package, loaded. */
export type OidcProviderModule = typeof import('oidc-provider');

const NOTICE = 'oidc-provider WARNING: Unsupported runtime.';

let loaded: Promise<OidcProviderModule> | undefined;

/**
 * Loads oidc-provider without the one notice that it prints on being loaded: on Node 20, which this project supports and
 * tests, it advises a later Node. It is printed with `console.warn` and there is no setting for it, so that one line is
 * held back for as long as the load takes, everything else passes, and `console` is as it was when this resolves. Every
 * other notice it has is answered by configuration.
 */
export function loadOidcProvider(): Promise<OidcProviderModule> {
  loaded ??= withoutNotice(() => import('oidc-provider'));
  return loaded;
}

async function withoutNotice<T>(load: () => Promise<T>): Promise<T> {
  /* oxlint-disable no-console -- see above */
  const warn = console.warn;
  const filtered = (...data: unknown[]) => {
    if (!String(data[0]).includes(NOTICE)) warn.apply(console, data);
  };
  console.warn = filtered;
  try {
    return await load();
  } finally {
    if (console.warn === filtered) console.warn = warn;
  }
  /* oxlint-enable no-console */
}
