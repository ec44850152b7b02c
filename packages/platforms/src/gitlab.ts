import { z } from 'zod';
import { checkOptions, environment } from './options.ts';
import type { Environment, Platform } from './platform.ts';
import { variableSource } from './variable-source.ts';

/** Options of `gitlab`. */
export interface GitlabOptions {
  /** The name under `id_tokens` in the job, which is also the name of the variable. Default: `CREDENCE_ID_TOKEN`. */
  variable?: string;
  /** The environment variables. Default: `process.env`. */
  env?: Environment;
}

const schema = z.strictObject({
  variable: z
    .string()
    .regex(/^[A-Za-z_]\w*$/u, 'is not the name of a variable')
    .optional(),
  env: environment,
});

/**
 * An ID token of a job of GitLab CI/CD. The job sets its audience (`id_tokens: NAME: aud:`). GitLab issues it when the job starts, and
 * does not renew it: it expires with the timeout of the job, or after 5 minutes if the job has none.
 *
 * @example
 * <!-- from examples/token-sources.ts#gitlab -->
 * ```ts
 * const inGitlab = gitlab({ env }); // id_tokens: { CREDENCE_ID_TOKEN: { aud: https://as.example } }
 * ```
 */
export function gitlab(options: GitlabOptions = {}): Platform {
  checkOptions('gitlab', schema, options);
  const { variable = 'CREDENCE_ID_TOKEN', env = process.env } = options;
  return variableSource({
    platform: 'gitlab',
    env,
    names: [variable],
    marker: { name: 'GITLAB_CI', of: 'GitLab CI/CD' },
    claims: {
      iss: 'the URL of the GitLab instance, such as https://gitlab.com',
      sub: 'project_path:GROUP/PROJECT:ref_type:branch:ref:BRANCH; a project can change its form (ci_id_token_sub_claim_components)',
    },
    forks:
      'A merge request of a fork runs in the project of the fork, or in the parent project if a member starts it there. The token names the fork in both cases; instances from before 2025 name the parent project in the second case.',
    remedy: `Add to the job in .gitlab-ci.yml: id_tokens: { ${variable}: { aud: <the issuer that the token is sent to> } }. Or set gitlab({ variable }) to the name that the job uses.`,
  });
}
