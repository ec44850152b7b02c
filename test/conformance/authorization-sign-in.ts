const MAX_STEPS = 20;

/**
 * Plays the user and the browser on the development pages of oidc-provider: signs in, consents, and follows redirects until
 * `callback` was requested.
 */
export async function signIn(authorizationUrl: string, callback: string): Promise<void> {
  const cookies = new Map<string, string>();
  let url = new URL(authorizationUrl);
  let form: URLSearchParams | undefined;
  for (let step = 0; step < MAX_STEPS; step += 1) {
    const cookie = [...cookies].map(([name, value]) => `${name}=${value}`).join('; ');
    const response = await fetch(url, {
      redirect: 'manual',
      headers: { cookie },
      ...(form !== undefined && { method: 'POST', body: form }),
    });
    const page = await response.text();
    if (url.href.startsWith(`${callback}?`)) return;
    for (const [, name = '', value = ''] of response.headers
      .getSetCookie()
      .map((set) => /^([^=]+)=([^;]*)/u.exec(set) ?? [])) {
      if (value === '') cookies.delete(name);
      else cookies.set(name, value);
    }
    const location = response.headers.get('location');
    const action = /<form[^>]* action="(?<action>[^"]+)"/u.exec(page)?.groups?.['action'];
    const next = location ?? action;
    if (next === undefined)
      throw new Error(`${url.pathname} answered ${response.status} with neither a redirect nor a form`);
    const prompt = /name="prompt" value="(?<prompt>\w+)"/u.exec(page)?.groups?.['prompt'] ?? '';
    form = location === null ? new URLSearchParams({ prompt, login: 'somebody', password: 'anything' }) : undefined;
    url = new URL(next, url);
  }
  throw new Error(`the sign-in did not end after ${MAX_STEPS} requests`);
}
