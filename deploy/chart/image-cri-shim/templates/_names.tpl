{{/* One installation for each cluster: its names are those that the daemon, the documents and operators know. */}}
{{- define "shim.labels" -}}
app.kubernetes.io/name: image-cri-shim
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{- end }}

{{- define "shim.selector" -}}
app.kubernetes.io/name: image-cri-shim
app.kubernetes.io/component: node
{{- end }}

{{- define "shim.image" -}}
{{- $repository := required "image.repository is missing: where have you pushed the image to? (docs/kubernetes.md)" .Values.image.repository -}}
{{- if .Values.image.digest -}}
{{ $repository }}@{{ .Values.image.digest }}
{{- else -}}
{{ $repository }}:{{ .Values.image.tag | default .Chart.AppVersion }}
{{- end -}}
{{- end }}

{{/* The pod and the ConfigMap have to be in one namespace, and the daemons look in this one. */}}
{{- define "shim.namespace" -}}
{{- if ne .Release.Namespace "kube-system" -}}
{{- fail "the daemons follow the ConfigMap kube-system/image-cri-shim: install with --namespace kube-system" -}}
{{- end -}}
kube-system
{{- end }}

{{/* The arguments of packaging/host/install or uninstall. */}}
{{- define "shim.arguments" -}}
{{- if eq .Values.action "install" -}}
- install
- --timeout
- {{ .Values.install.timeoutSeconds | quote }}
- --kubelet
- {{ .Values.kubelet }}
{{- if .Values.install.again }}
- --again
{{- end }}
{{- else -}}
- uninstall
{{- if .Values.uninstall.purge }}
- --purge
{{- end }}
{{- if .Values.uninstall.withoutKubelet }}
- --without-kubelet
{{- end }}
{{- end }}
{{- end }}

{{- define "shim.securityContext" -}}
runAsUser: 0
readOnlyRootFilesystem: true
{{- if .privileged }}
privileged: true
{{- else }}
privileged: false
allowPrivilegeEscalation: false
capabilities:
  drop: [ALL]
  add: {{ .capabilities | toJson }}
# Of containers, the type that may reach the host; without SELinux it is ignored.
seLinuxOptions: {type: spc_t}
seccompProfile: {type: RuntimeDefault}
{{- end }}
{{- end }}
