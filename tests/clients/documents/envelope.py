import requests

# 用户登录
def login(username, password):
    response = requests.post('/api/auth/login', json={'username': username, 'password': password})
    data = response.json()
    if data['code'] == 200:
        return data['data']['token']
    raise Exception(data['message'])

# 获取用户信息
def get_user_info(token):
    headers = {'Authorization': f'Bearer {token}'}
    response = requests.get('/api/auth/me', headers=headers)
    data = response.json()
    return data['data']['user']
