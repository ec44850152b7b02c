import { z } from 'zod';
import { checkOptions, environment } from './options.ts';
import type { Environment, Platform } from './platform.ts';
import { variableSource } from './variable-source.ts';

/** Options of `terraformCloud`. */
export interface TerraformCloudOptions {
  /** The tag, if the workspace has tokens for several audiences: `TFC_WORKLOAD_IDENTITY_TOKEN_TAG`. Default: the token without a tag. */
  tag?: string;
  /** The environment variables. Default: `process.env`. */
  env?: Environment;
}

const schema = z.strictObject({
  tag: z.string().regex(/^\w+$/u, 'contains other characters than letters, digits and _').optional(),
  env: environment,
});

/**
 * The workload identity token of a run of HCP Terraform. The variable `TFC_WORKLOAD_IDENTITY_AUDIENCE` of the workspace sets its
 * audience, or `TFC_WORKLOAD_IDENTITY_AUDIENCE_TAG` for a token with a tag. The token is valid for one plan or one apply, and is not
 * renewed.
 *
 * @example
 * <!-- from examples/token-sources.ts#terraform-cloud -->
 * ```ts
 * const inTerraform = terraformCloud({ tag: 'MCP', env }); // TFC_WORKLOAD_IDENTITY_AUDIENCE_MCP = https://as.example
 * ```
 */
export function terraformCloud(options: TerraformCloudOptions = {}): Platform {
  checkOptions('terraformCloud', schema, options);
  const { tag, env = process.env } = options;
  const suffix = tag === undefined ? '' : `_${tag}`;
  return variableSource({
    platform: 'terraformCloud',
    env,
    names: [`TFC_WORKLOAD_IDENTITY_TOKEN${suffix}`],
    marker: { name: 'TFC_RUN_ID', of: 'HCP Terraform' },
    claims: {
      iss: 'https://app.terraform.io, or the URL of the Terraform Enterprise instance',
      sub: 'organization:ORGANIZATION:project:PROJECT:workspace:WORKSPACE:run_phase:plan (or apply)',
    },
    forks:
      'HCP Terraform runs no plan for a pull request of a fork. Terraform Enterprise can allow it: then the token has the subject of every plan of the workspace.',
    remedy: `Set the environment variable TFC_WORKLOAD_IDENTITY_AUDIENCE${suffix} of the workspace to the issuer that the token is sent to.`,
  });
}
