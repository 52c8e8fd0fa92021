{{/* The name of every object: the release's, with the chart's unless it is part of that. */}}
{{- define "gateway.fullname" -}}
{{- $name := default .Chart.Name .Values.nameOverride -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 63 | trimSuffix "-" -}}
{{- else if contains $name .Release.Name -}}
{{- .Release.Name | trunc 63 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name $name | trunc 63 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{- define "gateway.selector" -}}
app.kubernetes.io/name: {{ default .Chart.Name .Values.nameOverride }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "gateway.labels" -}}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version }}
{{ include "gateway.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
{{- end -}}

{{- define "gateway.image" -}}
{{- if .Values.image.digest -}}
{{- printf "%s@%s" .Values.image.repository .Values.image.digest -}}
{{- else -}}
{{- printf "%s:%s" .Values.image.repository (default .Chart.AppVersion .Values.image.tag) -}}
{{- end -}}
{{- end -}}

{{/*
What changes when a Secret changes. Never a hash of its values, which would let anyone who may read
pods guess weak ones: the resource version that the cluster gave it, and the operator's own text.
*/}}
{{- define "gateway.secretRevision" -}}
{{- $found := list .Values.secrets.revision -}}
{{- if .Values.secrets.lookup -}}
{{- range $name := compact (list .Values.secrets.existingSecret .Values.fingerprint.existingSecret) -}}
{{- $secret := lookup "v1" "Secret" $.Release.Namespace $name -}}
{{- $metadata := default dict (get (default dict $secret) "metadata") -}}
{{- $found = append $found (printf "%s=%s" $name (default "unknown" (get $metadata "resourceVersion"))) -}}
{{- end -}}
{{- end -}}
{{- join "," $found | sha256sum -}}
{{- end -}}

{{- define "gateway.launchLabels" -}}
{{- $labels := list "pod=$(POD_NAME)" "namespace=$(POD_NAMESPACE)" "node=$(NODE_NAME)" -}}
{{- $labels = append $labels (printf "release=%s" .Release.Name) -}}
{{- range $name, $value := .Values.launchLabels -}}
{{- $labels = append $labels (printf "%s=%s" $name $value) -}}
{{- end -}}
{{- join "," $labels -}}
{{- end -}}
